"""What every adapter of the Bus port does. An adapter's test derives from BusSuite.

It gives the fixture `bus`, a bus without tasks that has told no job's end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from services.common import questions
from services.common.errors import LipstageError, NoVideoStream, Unavailable
from services.common.messages import (
    ChunkTask,
    FaceBox,
    FacesAnswer,
    FacesQuestion,
    FinishTask,
    JobEvent,
    SegmentTask,
    Task,
)
from services.common.ports import Bus, Delivery
from services.common.questions import Answer

T = TypeVar("T")

LONGEST_WAIT_S = 30.0
COMPLETED = JobEvent(job_id="job", state="completed")
QUESTION = FacesQuestion(video="media/video.mp4", at_s=0.1 + 0.2)
ANSWER = FacesAnswer(width=1920, height=1080, at_s=1.5, faces=(FaceBox(x=1.25, y=2.0, w=300.1, h=400.0),))


class BusSuite:
    async def test_a_task_reaches_its_own_queue_only(self, bus: Bus) -> None:
        chunk, segment = chunk_task(0), SegmentTask(job_id="job", segment=0)
        await publish(bus, chunk, segment)

        assert await worked_off(bus, "denoise-1", 1) == [chunk]
        assert await worked_off(bus, "composite", 1) == [segment]

    async def test_a_consumer_gets_what_was_published_before_and_after_it_came(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0))
        deliveries = bus.consume("denoise-1")
        before = await following(deliveries)
        await before.ack()
        await publish(bus, chunk_task(1))

        assert [before.task, (await following(deliveries)).task] == [chunk_task(0), chunk_task(1)]

    async def test_an_idle_consumer_is_told_of_a_new_task(self, bus: Bus) -> None:
        taking = asyncio.ensure_future(following(bus.consume("denoise-1")))
        await asyncio.sleep(0)
        await publish(bus, chunk_task(0))

        assert (await taking).task == chunk_task(0)

    async def test_every_kind_of_task_arrives_as_it_was(self, bus: Bus) -> None:
        tasks: list[Task] = [SegmentTask(job_id="job", segment=7), FinishTask(job_id="job")]
        await publish(bus, *tasks)

        assert await worked_off(bus, "composite", 2) == tasks

    async def test_a_key_is_queued_once(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0), chunk_task(0), chunk_task(1))

        assert await worked_off(bus, "denoise-1", 2) == [chunk_task(0), chunk_task(1)]

    async def test_a_key_is_not_queued_while_somebody_works_on_it(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0))
        in_hand = await following(bus.consume("denoise-1"))
        await publish(bus, chunk_task(0), chunk_task(1))

        assert await worked_off(bus, "denoise-1", 1) == [chunk_task(1)]
        await in_hand.ack()

    async def test_a_key_may_be_queued_again_after_it_was_worked_off(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0))
        await worked_off(bus, "denoise-1", 1)
        await publish(bus, chunk_task(0))

        assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]

    async def test_the_same_chunk_of_two_jobs_is_two_tasks(self, bus: Bus) -> None:
        tasks = [chunk_task(0, job_id="one"), chunk_task(0, job_id="two")]
        await publish(bus, *tasks)

        assert await worked_off(bus, "denoise-1", 2) == tasks

    async def test_a_task_handed_back_is_taken_again_and_counts_its_takers(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0))
        deliveries = bus.consume("denoise-1")
        seen = []
        for _ in range(3):
            delivery = await following(deliveries)
            seen.append((delivery.task, delivery.attempt))
            await delivery.nack()

        assert seen == [(chunk_task(0), 1), (chunk_task(0), 2), (chunk_task(0), 3)]

    async def test_a_task_handed_back_for_later_lets_others_go_first(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0), chunk_task(1))
        deliveries = bus.consume("denoise-1")
        await (await following(deliveries)).nack(delay_s=0.2)

        assert [(await following(deliveries)).task.chunk for _ in range(2)] == [1, 0]

    async def test_a_buried_task_does_not_come_back_and_its_key_is_free(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0))
        deliveries = bus.consume("denoise-1")
        await (await following(deliveries)).bury("no_face: Nobody is seen.")
        await publish(bus, chunk_task(1), chunk_task(0))

        assert [(await following(deliveries)).task.chunk for _ in range(2)] == [1, 0]

    async def test_two_consumers_share_the_work(self, bus: Bus) -> None:
        await publish(bus, chunk_task(0), chunk_task(1))
        first = await following(bus.consume("denoise-1"))
        second = await following(bus.consume("denoise-1"))

        assert {first.task.key, second.task.key} == {chunk_task(0).key, chunk_task(1).key}

    async def test_a_closing_consumer_takes_no_task(self, bus: Bus) -> None:
        closing = asyncio.Event()
        closing.set()
        await publish(bus, chunk_task(0))

        assert [delivery async for delivery in bus.consume("denoise-1", closing)] == []
        assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]

    async def test_an_idle_consumer_ends_when_it_is_closed(self, bus: Bus) -> None:
        closing = asyncio.Event()
        ended = asyncio.ensure_future(anext(bus.consume("denoise-1", closing), None))
        await asyncio.sleep(0)
        closing.set()

        assert await soon(ended) is None

    async def test_a_canceled_consumer_takes_no_task_with_it(self, bus: Bus) -> None:
        taking = asyncio.ensure_future(anext(bus.consume("denoise-1")))
        await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait({taking})
        await publish(bus, chunk_task(0))

        assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]

    async def test_the_trace_context_travels_with_the_task(self, bus: Bus) -> None:
        span = SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=TraceFlags(1))
        token = context.attach(trace.set_span_in_context(NonRecordingSpan(span)))
        await publish(bus, chunk_task(0))
        context.detach(token)

        assert (await following(bus.consume("denoise-1"))).trace == {
            "traceparent": f"00-{0xABC:032x}-{0xDEF:016x}-01",
        }

    async def test_events_reach_everyone_who_listens(self, bus: Bus) -> None:
        async with bus.events("job") as one, bus.events("job") as other:
            await bus.announce(denoising(0.5))
            await bus.announce(denoising(1.0))

            for listener in (one, other):
                assert [await following(listener), await following(listener)] == [denoising(0.5), denoising(1.0)]

    async def test_progress_from_before_the_call_is_not_told(self, bus: Bus) -> None:
        await bus.announce(denoising(0.1))
        async with bus.events("job") as listener:
            await bus.announce(denoising(0.2))

            assert await following(listener) == denoising(0.2)

    async def test_events_of_other_jobs_are_not_told(self, bus: Bus) -> None:
        async with bus.events("job") as listener:
            await bus.announce(JobEvent(job_id="other", state="failed"))
            await bus.announce(COMPLETED)

            assert await following(listener) == COMPLETED

    async def test_the_end_is_the_last_event(self, bus: Bus) -> None:
        async with bus.events("job") as listener:
            await bus.announce(denoising(1.0))
            await bus.announce(COMPLETED)
            await bus.announce(denoising(1.0))

            assert await soon(gathered(listener)) == [denoising(1.0), COMPLETED]

    async def test_an_end_told_before_the_call_is_told(self, bus: Bus) -> None:
        await bus.announce(COMPLETED)
        async with bus.events("job") as listener:
            assert await soon(gathered(listener)) == [COMPLETED]

    async def test_the_first_end_excludes_every_other(self, bus: Bus) -> None:
        async with bus.events("job") as early:
            await bus.announce(COMPLETED)
            await bus.announce(JobEvent(job_id="job", state="failed"))
            async with bus.events("job") as late:
                assert await soon(gathered(early)) == await soon(gathered(late)) == [COMPLETED]

    async def test_a_question_reaches_who_answers_and_the_answer_who_asked(self, bus: Bus) -> None:
        asked = []

        async def answer(question: FacesQuestion) -> FacesAnswer:
            asked.append(question)
            return ANSWER

        async with bus.answering(answer):
            answers = [await soon(bus.ask(QUESTION)) for _ in range(2)]

        assert asked == [QUESTION] * 2
        assert answers == [ANSWER] * 2

    async def test_where_nobody_answers_it_is_said_at_once(self, bus: Bus) -> None:
        async with bus.answering(answered_with(ANSWER)):
            pass

        with pytest.raises(Unavailable, match="Nobody is there to look at the video"):
            await asyncio.wait_for(bus.ask(QUESTION), 2)

    async def test_those_who_answer_share_the_questions(self, bus: Bus) -> None:
        asked: list[FacesQuestion] = []

        async def answer(question: FacesQuestion) -> FacesAnswer:
            asked.append(question)
            return ANSWER

        all_asked = [FacesQuestion(video=f"media/{number}.mp4") for number in range(8)]
        async with bus.answering(answer), bus.answering(answer):
            await soon(asyncio.gather(*map(bus.ask, all_asked)))

        assert sorted(question.video for question in asked) == [question.video for question in all_asked]

    async def test_one_slow_answer_does_not_keep_others_waiting(self, bus: Bus) -> None:
        slow = asyncio.Event()

        async def answer(question: FacesQuestion) -> FacesAnswer:
            if question == QUESTION:
                await slow.wait()
            return ANSWER

        async with bus.answering(answer):
            first = asyncio.ensure_future(bus.ask(QUESTION))
            await asyncio.sleep(0)
            assert await soon(bus.ask(FacesQuestion(video="media/other.mp4"))) == ANSWER
            slow.set()
            assert await soon(first) == ANSWER

    async def test_what_the_answerer_raises_is_raised_where_it_was_asked(self, bus: Bus) -> None:
        async with bus.answering(answered_with(NoVideoStream("The file has no pictures."))):
            with pytest.raises(NoVideoStream, match="The file has no pictures"):
                await soon(bus.ask(QUESTION))

    async def test_an_unexpected_error_is_told_and_the_next_question_answered(self, bus: Bus) -> None:
        outcomes = [RuntimeError("worn out"), ANSWER]

        async def answer(question: FacesQuestion) -> FacesAnswer:
            return await answered_with(outcomes.pop(0))(question)

        async with bus.answering(answer):
            with pytest.raises(LipstageError, match="worn out"):
                await soon(bus.ask(QUESTION))
            assert await soon(bus.ask(QUESTION)) == ANSWER

    async def test_who_stops_answering_first_answers_what_is_in_hand(self, bus: Bus) -> None:
        in_hand, go_on = asyncio.Event(), asyncio.Event()

        async def answer(question: FacesQuestion) -> FacesAnswer:
            in_hand.set()
            await go_on.wait()
            return ANSWER

        async with bus.answering(answer):
            asking = asyncio.ensure_future(bus.ask(QUESTION))
            await soon(in_hand.wait())
            asyncio.get_running_loop().call_later(0.05, go_on.set)

        assert await soon(asking) == ANSWER

    async def test_who_asked_somebody_that_is_broken_off_does_not_wait_in_vain(self, bus: Bus) -> None:
        in_hand = asyncio.Event()

        async def answer(question: FacesQuestion) -> FacesAnswer:
            in_hand.set()
            return await asyncio.Future()

        async def worker() -> None:
            async with bus.answering(answer):
                await asyncio.Future()

        working = asyncio.ensure_future(worker())
        await asyncio.sleep(0.05)
        asking = asyncio.ensure_future(bus.ask(QUESTION))
        await soon(in_hand.wait())
        working.cancel()

        with pytest.raises(Unavailable):
            await asyncio.wait_for(asking, 2)
        await asyncio.wait({working})

    async def test_an_answer_is_not_waited_for_for_ever(self, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(questions, "ANSWER_S", 0.05)
        go_on = asyncio.Event()

        async def answer(question: FacesQuestion) -> FacesAnswer:
            await go_on.wait()
            return ANSWER

        async with bus.answering(answer):
            with pytest.raises(Unavailable, match="in time"):
                await asyncio.wait_for(bus.ask(QUESTION), 2)
            go_on.set()


def answered_with(outcome: FacesAnswer | Exception) -> Answer:
    async def answer(question: FacesQuestion) -> FacesAnswer:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return answer


async def publish(bus: Bus, *tasks: Task) -> None:
    for task in tasks:
        await soon(bus.publish(task))


async def worked_off(bus: Bus, queue: str, count: int) -> list[Task]:
    """Takes and acknowledges the next tasks of a queue."""
    taken = []
    deliveries: AsyncIterator[Delivery] = bus.consume(queue)
    for _ in range(count):
        delivery = await following(deliveries)
        await delivery.ack()
        taken.append(delivery.task)
    return taken


async def following(items: AsyncIterator[T]) -> T:
    return await soon(anext(items))


async def gathered(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


async def soon(awaited: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaited, LONGEST_WAIT_S)


def chunk_task(chunk: int, job_id: str = "job") -> ChunkTask:
    return ChunkTask(job_id=job_id, variant="1", chunk=chunk)


def denoising(share: float) -> JobEvent:
    return JobEvent(job_id="job", state="processing", stage="denoise", part=3, done=share, parts=None)

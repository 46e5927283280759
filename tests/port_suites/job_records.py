"""Job records as tests need them."""

from services.common.messages import DubParameters, JobRecord, StageKeys


def job_record(job_id: str = "job", **fields: object) -> JobRecord:
    """A job that has just begun, but for `fields`."""
    begun = {
        "id": job_id,
        "video": "media/video.mp4",
        "audio": "media/voice.wav",
        "parameters": DubParameters(),
        "keys": StageKeys(preprocess="p", denoise="d", composite="c"),
    }
    return JobRecord.model_validate(begun | fields)

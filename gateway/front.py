"""What every route needs, composed once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from gateway.accounts import Account
from gateway.billing.plans import Plans, load_plans
from gateway.clock import Clock, utc_now
from gateway.consents import Consents
from gateway.deadlines import Deadlines
from gateway.documents import Collection, Documents
from gateway.ending import Ending
from gateway.following import Following
from gateway.guarded_client import guarded_client
from gateway.intake import Intake
from gateway.jobs import Jobs
from gateway.keys import Keys
from gateway.limits import Rates
from gateway.links import Links, OwnLinks
from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober
from gateway.removal import Removal
from gateway.results import Results
from gateway.settings import GatewaySettings
from gateway.settling import Settling
from gateway.sources import Sources
from gateway.upload_links import UploadLinks
from gateway.uploads import Uploads
from gateway.verifier import Verifier
from gateway.webhooks.delivery import TIMEOUT_S, Deliverer
from gateway.webhooks.fal_key import fal_key
from gateway.webhooks.outbox import Outbox
from gateway.webhooks.signer import AccountSigner
from services.common.ports import Bus, JobStore, MediaStore, Models


@dataclass(frozen=True)
class Ports:
    """Where the world is touched: the pipeline's four ports, and the gateway's own documents."""

    documents: Documents
    bus: Bus
    jobs: JobStore
    media: MediaStore
    models: Models
    links: Links | None = None
    """Straight to the store; None: through the gateway."""
    own_root: Callable[[], str | None] = lambda: None
    """The certificate, PEM, that this installation's signatures hang from; None: not known here."""


@dataclass(frozen=True)
class Front:
    settings: GatewaySettings
    ports: Ports
    clock: Clock
    keys: Keys
    rates: Rates
    consents: Consents
    uploads: Uploads
    sources: Sources
    jobs: Jobs
    own_links: OwnLinks
    upload_links: UploadLinks
    plans: Plans
    verifier: Verifier


@asynccontextmanager
async def open_front(ports: Ports, settings: GatewaySettings, clock: Clock = utc_now) -> AsyncIterator[Front]:
    """Follows jobs, delivers webhooks and removes what must go for as long as the context lasts."""
    documents = ports.documents
    link_secret = settings.link_secret.get_secret_value().encode()
    own_links, upload_links = OwnLinks(settings.base_url, link_secret), UploadLinks(settings.base_url, link_secret)
    links = ports.links or own_links
    policy, plans = settings.url_policy, load_plans(settings.price_plans)
    outbox = Outbox(documents, clock)
    uploads = Uploads(documents, ports.media, Prober(ProbeLimits()), clock)
    results = Results(documents, ports.jobs, own_links, links)
    sources = Sources(uploads, results, ports.media, own_links, upload_links, policy, clock)
    ending = Ending(documents, ports.bus, ports.jobs)
    intake = Intake(documents, sources, ending, ports.bus, ports.jobs, ports.media, ports.models, clock)
    settling = Settling(documents, ports.jobs, outbox, links, settings.base_url, clock)
    deadlines = Deadlines(documents, ending, settling, clock)
    following = Following(documents, ports.bus, intake, deadlines, settling, clock)
    jobs = Jobs(
        documents, ports.bus, ports.jobs, ports.media, links, sources, ending, following, settings, plans, clock
    )
    closing = asyncio.Event()
    signer = AccountSigner(Collection(documents, "accounts", Account), await fal_key(documents, clock))
    async with guarded_client(policy, httpx2.Timeout(TIMEOUT_S)) as client, asyncio.TaskGroup() as serving:
        serving.create_task(following.serve(closing))
        serving.create_task(Removal(documents, ports.media, clock).serve(closing))
        serving.create_task(Deliverer(outbox, client, signer, clock).run(closing))
        yield Front(
            settings,
            ports,
            clock,
            Keys(documents, clock),
            Rates(),
            Consents(documents, clock),
            uploads,
            sources,
            jobs,
            own_links,
            upload_links,
            plans,
            Verifier(ports.own_root),
        )
        closing.set()

"""Where on the gateway's one port each dialect lives."""

from fastapi import FastAPI

from gateway.dialects import fal, replicate, sync, wavespeed
from gateway.dialects.hosts import HostRouting
from gateway.front import Front


def mount_dialects(app: FastAPI, front: Front) -> None:
    app.mount(wavespeed.PREFIX, wavespeed.wavespeed_app(front))
    app.mount(fal.PREFIX, fal.fal_app(front))
    app.mount(sync.PREFIX, sync.sync_app(front))
    on_replicate = replicate.replicate_app(front)
    for prefix in replicate.PREFIXES:
        app.mount(prefix, on_replicate)
    app.add_middleware(HostRouting, hosts=front.settings.dialect_hosts)

"""Which networks a job needs."""

from services.common.messages import DubParameters
from services.common.ports import NETWORKS, ModelCard, ModelName, Models


def networks_used(parameters: DubParameters) -> tuple[ModelName, ...]:
    """All but the UNet's cheap step, unless DeepCache is asked for."""
    return tuple(name for name in NETWORKS if name != "unet_cached" or parameters.deepcache_interval > 1)


async def cards_of(models: Models, parameters: DubParameters) -> list[ModelCard]:
    """What each of them says about itself. Raises ModelMissing, WrongVariant or ModelError."""
    return [await models.card(name, parameters.variant) for name in networks_used(parameters)]

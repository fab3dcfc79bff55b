"""What requests' sessions are mounted with: connections whose answers are bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from tools.clients import bounds


class Adapter(HTTPAdapter):
    """Its connections, also those through a proxy, are bounded, and fenced at the last moment before bytes are sent.

    A process may be stopped anywhere before, and go on later.
    """

    def __init__(self, fence: Callable[[], None] = lambda: None) -> None:
        self._pools = {
            "http": bounds.bounded(HTTPConnectionPool, fence),
            "https": bounds.bounded(HTTPSConnectionPool, fence),
        }
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager

"""A local server that imitates Google Sheets for the real gspread: no account, no network.

    with OfflineSheets() as google:
        credentials = google.account()           # the JSON key of a service account
        google.share("SHEET_ID", credentials["client_email"])
        gspread.service_account_from_dict(credentials).open_by_key("SHEET_ID")

The key's `token_uri` leads google-auth to this server. gspread has one fixed address of the API: inside the
`with` block its requests in this process are redirected here (`route()` redirects those of another process).
"""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from offline.server import Server
from offline.sheets import Account, Google
from offline.workbook import Workbook

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://sheets.googleapis.com"


class OfflineSheets:
    """The Sheets API, which runs in threads of its own inside the `with` block.

    Args:
        quota: writes, and reads, that an account may make in a minute; None: any number.
        port: the port to listen on; 0 for any free one.

    Attributes:
        google: The state of the API, and the failures to simulate.
    """

    def __init__(self, quota: int | None = 60, port: int = 0) -> None:
        self.google = Google(quota)
        self._server = Server([self.google.wire()], port, 0.0, 0.0)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._restore: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def account(self, name: str = "robot") -> dict[str, Any]:
        """Create a service account, and return its JSON key."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        email = f"{name}@offline.iam.gserviceaccount.com"
        self.google.accounts[email] = Account(email, certificate(key))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": "offline",
            "private_key_id": "1",
            "private_key": private.decode(),
            "client_email": email,
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }

    def share(self, sheet_id: str, email: str, *, role: str = "editor") -> Workbook:
        """Share a spreadsheet, which is created if there is none yet."""
        book = self.google.workbooks.setdefault(sheet_id, Workbook(sheet_id))
        if not book.worksheets:
            book.add("Sheet1")
        (book.editors if role == "editor" else book.viewers).add(email)
        return book

    def rows(self, sheet_id: str, title: str = "Logs") -> list[list[Any]]:
        """Return the rows of a worksheet below its header."""
        with self.google.lock:
            return [list(row) for row in self.google.workbooks[sheet_id].worksheets[title].rows[1:]]

    def __enter__(self) -> Self:
        self._thread.start()
        self._restore = route(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        if self._restore is not None:
            self._restore()
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def certificate(key: rsa.RSAPrivateKey) -> str:
    """Return a certificate of a key, which google-auth requires to verify a signature."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "offline")])
    now = dt.datetime.now(dt.UTC)
    signed_certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return signed_certificate.public_bytes(serialization.Encoding.PEM).decode()


def route(url: str) -> Callable[[], None]:
    """Redirect gspread's requests in this process to a server; return the function that undoes it."""
    from gspread import http_client
    from requests.adapters import HTTPAdapter

    class RedirectAdapter(HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            request.url = url + request.url.removeprefix(API)
            return super().send(request, *args, **kwargs)

    original = http_client.AuthorizedSession

    class Session(original):  # type: ignore[misc, valid-type]  # the class is known at run time only
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.mount(API, RedirectAdapter())

    http_client.AuthorizedSession = Session  # type: ignore[misc]  # replaced on purpose

    def restore() -> None:
        http_client.AuthorizedSession = original  # type: ignore[misc]  # replaced on purpose

    return restore

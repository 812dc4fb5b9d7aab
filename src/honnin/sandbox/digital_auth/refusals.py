"""How the service refuses: OAuth errors (RFC 6749 §4.1.2.1 and §5.2) and problems of the sign API (assumption A-11)."""

__all__ = ["OAuthRefusal", "PageRefusal", "SignRefusal"]


class OAuthRefusal(Exception):  # noqa: N818
    """An error that goes to the relying party; description: for developers, without personal data."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


class PageRefusal(Exception):  # noqa: N818
    """An error that the person sees, as no trusted way back is known; reason: key of `words.json`."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class SignRefusal(Exception):  # noqa: N818
    """A refusal of the sign API."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail

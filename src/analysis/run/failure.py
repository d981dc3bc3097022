"""A run that started and could not be published. Bad input is a `Refusal`; this is everything later."""


class Failed(Exception):
    """Nothing published was touched. `message` is what a user sees; `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        self.message, self.code = message, code
        super().__init__(message)

"""How the project says no: one line that names the place, what is wrong there and the fix."""


class Refusal(Exception):
    """Input that cannot be used.

    `where` names the file and field (`params/x.yml:level`), `problem` what is wrong with it, `fix` what to do.
    The command line prints the message alone and exits with code 2; nothing published is touched.
    """

    def __init__(self, code: str, where: str, problem: str, fix: str) -> None:
        self.code, self.where, self.problem, self.fix = code, where, problem, fix
        super().__init__(f"{code} STOP {where} — {problem}. Fix: {fix}")

    def at(self, file: str) -> "Refusal":
        """The same refusal, its place prefixed with the file a person can open."""
        return Refusal(self.code, f"{file}:{self.where}", self.problem, self.fix)

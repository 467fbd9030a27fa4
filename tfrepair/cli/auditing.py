"""The command ``audit``: what saving a model would lose."""

from tfrepair.cli.ending import end, print_json
from tfrepair.cli.options import (
    All,
    Arch,
    CustomObjects,
    Debug,
    InputShape,
    Json,
    KerasOption,
    Quiet,
)
from tfrepair.core.errors import UsageError

SCHEMA = "tfrepair.audit/1"


def audit_command(
    arch: Arch = "",
    keras: KerasOption = None,
    custom_objects: CustomObjects = None,
    input_shape: InputShape = None,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """List the state that saving a model would lose, way by way; 0 nothing, 3 losses."""

    def work() -> int:
        from tfrepair.api.auditing import audit

        if not arch:
            message = "nothing to audit: no architecture is given"
            raise UsageError(message, remedy="tfrepair audit --arch model.py")
        found = audit(
            arch, keras=keras, input_shapes=input_shape or (), custom_objects=custom_objects
        )
        if as_json:
            losses = len(found.losses)
            head = {"schema": SCHEMA, "exit_code": found.exit_code, "losses": losses}
            print_json(head | found.to_json())
        elif not quiet:
            from tfrepair.cli.audit_table import show_audit

            show_audit(found, everything=show_all)
        return found.exit_code

    end(work, debug=debug, as_json=as_json)

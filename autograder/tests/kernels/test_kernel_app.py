"""The kernel's application reads its arguments as ipykernel's own does."""

from collections.abc import Sequence

import pytest
from ipykernel.kernelapp import IPKernelApp

from autograder.kernels.ipython_kernel import OPTIONS, KernelApp


def _read(kind: type[IPKernelApp], arguments: Sequence[str]) -> dict[str, object]:
    app = kind()
    app.parse_command_line(list(arguments))
    settings: dict[str, dict[str, str]] = {}
    for section, names in app.config.items():  # an application's settings may be under its own name or ipykernel's
        place = "IPKernelApp" if section == KernelApp.__name__ else section
        settings.setdefault(place, {}).update({name: str(value) for name, value in names.items()})
    return {"settings": settings, "file": app.connection_file, "argv": app.argv, "extra": app.extra_args}


@pytest.mark.parametrize(
    "arguments",
    [
        ("-f", "/kernels/k1/c.json", *OPTIONS),
        ("-f", "/kernels/k1/c.json", "--IPKernelApp.name=other", *OPTIONS),
        ("--f=/kernels/k1/c.json",),
        OPTIONS,
    ],
)
def test_arguments_mean_what_they_mean_to_ipykernel(arguments: Sequence[str]) -> None:
    assert _read(KernelApp, arguments) == _read(IPKernelApp, arguments)


def test_usual_arguments_need_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IPKernelApp, "_create_loader", None)
    assert _read(KernelApp, ("-f", "c.json", *OPTIONS))["file"] == "c.json"

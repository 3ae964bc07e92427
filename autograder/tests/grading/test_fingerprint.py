"""The digest of all that a mark depends on."""

from importlib.metadata import packages_distributions, version

from autograder.grading import fingerprint


def test_a_module_has_the_version_of_its_distribution() -> None:
    found = fingerprint.versions(("zmq.utils", "no_such_module"))
    assert found["zmq"] == version("pyzmq")
    assert found["no_such_module"] == "missing"
    for module, names in packages_distributions().items():
        assert sorted({version(name) for name in names}) == sorted(fingerprint.installed_versions(module)), module

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str:
    """The version of an installed package, which is not imported; empty where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

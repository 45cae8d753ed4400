"""What images tell of themselves, as annotations and as labels (image-spec `annotations.md`)."""

PREFIX = "org.opencontainers.image."
CREATED = PREFIX + "created"
VERSION = PREFIX + "version"
REVISION = PREFIX + "revision"
SOURCE = PREFIX + "source"
BASE_NAME = PREFIX + "base.name"
BASE_DIGEST = PREFIX + "base.digest"

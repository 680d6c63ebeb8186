"""occreid inside other people's programs; none of them is needed to import this."""

from occreid.integrations.trackers import TrackEmbedder

__all__ = ["TrackEmbedder"]

/** Both ends of the channel agree on these. */

/** The largest message, in bytes: a check-in of a host with a hundred exporters takes about 30 KB. */
export const LARGEST_MESSAGE_BYTES = 256 * 1024;

/** An agent gives up a call after this long, in milliseconds. A check-in includes the controller's look from outside. */
export const CALL_DEADLINE_MS = 20_000;

/** A host has no more exporters than this. */
export const MOST_EXPORTERS = 64;

/** The controller's public port. Outside 9100 to 9999, which Prometheus's exporters have filled. */
export const DEFAULT_PORT = 7443;

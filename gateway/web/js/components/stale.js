// Changes that meet a newer one: made from another device, or by somebody else.

/** Whether a change was refused because what it changes is not what was read any more. */
export const isStale = (error) => error.kind === "conflict" && error.reason === "ETAG_MISMATCH";

/** What is said then; the newer state is shown beside it. */
export const STALE = "It was changed elsewhere in the meantime. This is how it stands now: look at it, and make your change again if you still want it.";

// Changes that meet a newer one: made from another device, or by somebody else.

/** Whether a change was refused because what it changes is not what was read any more. */
export const isStale = (error) => error.kind === "conflict" && error.reason === "ETAG_MISMATCH";

/** What is said then; the newer state is shown beside it. */
export const STALE = "It was changed elsewhere in the meantime. This is how it stands now: look at it, and make your change again if you still want it.";

/** What is said when a text was, to whoever has written another one that stays in the form. */
export const outdone = (text) => `Not saved: ${text ? `it was changed elsewhere in the meantime, and says now “${text}”` : "it was emptied elsewhere in the meantime"}. Save again to put yours in its place.`;

// Names of attempts: what is sent again after an answer that was lost, or by a second click, has one effect.

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A name that no other attempt has; pages that did not come over TLS lack `randomUUID`. */
const fresh = () => crypto.randomUUID?.() ?? hex(crypto.getRandomValues(new Uint8Array(16)));

/**
 * Attempts of one form or button: `once(body, send)` sends a body with a `request_id`, the same one while the same body has not
 * come through; once it has, the same body is another attempt.
 */
export function attempts() {
  let last = {};
  let going = null;
  return (body, send) => {
    const text = JSON.stringify(body);
    if (going && last.text === text) return going;
    if (last.text !== text) last = { text, id: fresh() };
    const mine = last;
    const sent = Promise.resolve(send({ ...body, request_id: mine.id })).then((answer) => {
      if (last === mine) last = {};
      return answer;
    }).finally(() => { if (going === sent) going = null; });
    going = sent;
    return sent;
  };
}

/** The prime of the field, 2^255 - 19. */
const P = 2n ** 255n - 19n;

/**
 * The y coordinates of the eight points of small order. Anybody can make signatures that verify with such a public key,
 * so a request signed with it proves nothing. OpenSSL before 3.5 does not look.
 */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  P - 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/** Whether 32 bytes (RFC 8032, 5.1.2) spell y canonically and are not a point of small order. */
export function isSoundEd25519Point(bytes: Uint8Array): boolean {
  const hex = Buffer.from(Uint8Array.from(bytes).toReversed()).toString('hex');
  const y = BigInt(`0x${hex}`) & ((1n << 255n) - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

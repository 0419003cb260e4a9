/** What rows have that nobody without the passphrase can make: see authentic-rows.ts. */
export interface Authenticated {
  /** HMAC-SHA-256, hexadecimal. */
  mac: string;
}

import { createHash } from 'node:crypto';
import { Secret, TorchpassError } from '@torchpass/core';

/**
 * A join token as one string: `tpjoin1.ID.SECRET.PIN[.PIN].CHECK`.
 *
 * ID finds the token in the controller's database, SECRET proves it, each PIN is the SHA-256 of a root's
 * SubjectPublicKeyInfo, CHECK is four bytes of SHA-256 over all before it, against slips of the hand. Everything but the
 * ID is base64url without padding.
 */
export interface JoinToken {
  id: string;
  secret: Secret<Buffer>;
  /** SHA-256 of the SPKI of each acceptable root, 32 bytes each. */
  pins: Buffer[];
}

const PREFIX = 'tpjoin1';
const ID = /^[a-z2-7]{16}$/;
const PIN_BYTES = 32;
const LONGEST_TOKEN = 1024;
const MOST_PINS = 8;

export const TOKEN_ID_LENGTH = 16;
export const TOKEN_SECRET_BYTES = 20;
const SHORTEST_SECRET = 16;
const LONGEST_SECRET = 64;

export function encodeJoinToken(token: JoinToken): Secret {
  const body = [PREFIX, token.id, base64url(token.secret.reveal()), ...token.pins.map(base64url)].join('.');
  return new Secret(`${body}.${checksum(body)}`);
}

/** Reads a token as pasted: surrounding white space is ignored. The error never repeats the text. */
export function decodeJoinToken(pasted: string): JoinToken {
  const text = pasted.trim();
  if (text === '') throw malformed('it is empty');
  if (text.length > LONGEST_TOKEN) throw malformed('it is too long');
  const parts = text.split('.');
  if (parts[0] !== PREFIX) throw malformed(`it does not begin with "${PREFIX}."`);
  const check = parts.at(-1) ?? '';
  if (check !== checksum(parts.slice(0, -1).join('.'))) throw malformed('its end does not match its beginning');
  const [, id = '', secretText = '', ...pinTexts] = parts.slice(0, -1);
  const secret = fromBase64url(secretText);
  const pins = pinTexts.map(fromBase64url);
  const secretFits = secret.length >= SHORTEST_SECRET && secret.length <= LONGEST_SECRET;
  const pinsFit = pins.length >= 1 && pins.length <= MOST_PINS && pins.every((pin) => pin.length === PIN_BYTES);
  if (!ID.test(id) || !secretFits || !pinsFit) throw malformed('one of its parts has the wrong form');
  return { id, secret: new Secret(secret), pins };
}

function malformed(why: string): TorchpassError {
  return new TorchpassError('TOKEN_MALFORMED', `The join token cannot be read: ${why}.`, {
    hint: 'Paste the whole line that "torchpass token create" printed.',
  });
}

function checksum(body: string): string {
  return base64url(createHash('sha256').update(body).digest().subarray(0, 4));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Strict: what does not encode back to the same text is not read. */
function fromBase64url(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  return base64url(bytes) === text ? bytes : Buffer.alloc(0);
}

import { TorchpassError } from '@torchpass/core';
import { createHash } from 'node:crypto';

/** How the key of a backup comes from its passphrase. The format is described in docs/backup-format.md. */
export interface BackupHeader {
  kdf: 'scrypt';
  /** RFC 7914: cost (a power of two), block size, parallelism. */
  N: number;
  r: number;
  p: number;
  /** Base64, 32 bytes. */
  salt: string;
  /** Base64, 32 bytes: tells a wrong passphrase from damage. */
  check: string;
}

export const MAGIC = Buffer.from('TPBACKUP1\n', 'latin1');
/** Magic, then the length of the JSON in two bytes, then the JSON. */
export const HEADER_PREFIX = MAGIC.length + 2;
const LONGEST_HEADER = 1024;

/** What a stranger may make us compute: the same bounds as for the passphrase of the installation. */
const WEAKEST = { N: 2 ** 15, r: 8, p: 1 } as const;
const STRONGEST = { N: 2 ** 20, r: 16, p: 4 } as const;
const MOST_MEMORY = 2 ** 30;

export function renderHeader(header: BackupHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(json.length);
  return Buffer.concat([MAGIC, length, json]);
}

/** Length of the JSON, from the first `HEADER_PREFIX` bytes. `BACKUP_BROKEN`. */
export function headerLength(prefix: Buffer): number {
  if (prefix.length < HEADER_PREFIX || !prefix.subarray(0, MAGIC.length).equals(MAGIC))
    throw brokenBackup('it does not begin as a backup of Torchpass does');
  const length = prefix.readUInt16BE(MAGIC.length);
  if (length > LONGEST_HEADER) throw brokenBackup('its header is too long');
  return length;
}

/** `BACKUP_BROKEN` when it is damaged, or so weak or so costly that it cannot be ours. */
export function readHeader(json: Buffer): { header: BackupHeader; salt: Buffer; check: Buffer } {
  const { kdf, N, r, p, salt, check } = parse(json);
  const [saltBytes, checkBytes] = [Buffer.from(textOr(salt), 'base64'), Buffer.from(textOr(check), 'base64')];
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const within = (['N', 'r', 'p'] as const).every(
    (name) => Number.isInteger(cost[name]) && cost[name] >= WEAKEST[name] && cost[name] <= STRONGEST[name],
  );
  const isSound =
    kdf === 'scrypt' &&
    within &&
    Number.isInteger(Math.log2(cost.N)) &&
    128 * cost.N * cost.r <= MOST_MEMORY &&
    saltBytes.length === 32 &&
    checkBytes.length === 32;
  if (!isSound) throw brokenBackup('its header is damaged');
  return {
    header: { kdf: 'scrypt', ...cost, salt: textOr(salt), check: textOr(check) },
    salt: saltBytes,
    check: checkBytes,
  };
}

/** Goes into the key, so that who changes the header changes the key. */
export function headerDigest(rendered: Buffer): string {
  return createHash('sha256').update(rendered).digest('hex');
}

function parse(json: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Below.
  }
  throw brokenBackup('its header is damaged');
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function brokenBackup(why: string, cause?: unknown): TorchpassError {
  return new TorchpassError('BACKUP_BROKEN', `The backup cannot be used: ${why}.`, {
    cause,
    hint: 'Nothing was changed. Take another copy of it, or an older backup.',
  });
}

import { z } from 'zod';
import { brokenBackup } from './header.ts';
import { Intake } from './intake.ts';

/** What a backup holds of the storage folder: what cannot be made anew. Not the passphrase. */
export const KEPT_FILES = ['torchpass.db', 'controller-key.sealed'] as const;
export type KeptFile = (typeof KEPT_FILES)[number];

const manifest = z.strictObject({
  format: z.literal(1),
  /** When the snapshot of the database was taken. */
  made_at: z.iso.datetime(),
  /** Of the program. */
  version: z.string(),
  trust_domain: z.string(),
  /** NUMBER:MAC of the audit log's last entry. */
  audit_head: z.string(),
  files: z
    .array(z.strictObject({ name: z.enum(KEPT_FILES), size: z.int().min(0) }))
    .min(1)
    .max(KEPT_FILES.length),
});
export type Manifest = z.output<typeof manifest>;

const LONGEST_MANIFEST = 64 * 1024;
const PIECE = 64 * 1024;

/** Manifest (its length in four bytes, JSON), then the files one after the other. */
export async function* pack(
  described: Manifest,
  content: (name: KeptFile) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const json = Buffer.from(JSON.stringify(described), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  yield Buffer.concat([length, json]);
  for (const { name, size } of described.files) {
    let sent = 0;
    for await (const piece of content(name)) {
      sent += piece.byteLength;
      yield piece;
    }
    if (sent !== size) throw new Error(`${name} had ${sent} bytes while it was read, and ${size} before`);
  }
}

/** Reads the manifest, then gives each file to `take`, which has to read all of it. `BACKUP_BROKEN`. */
export async function unpack(
  archive: AsyncIterable<Uint8Array>,
  take: (name: KeptFile, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  const intake = new Intake(archive);
  const prefix = await intake.upTo(4);
  const length = prefix.length === 4 ? prefix.readUInt32BE() : 0;
  if (length === 0 || length > LONGEST_MANIFEST) throw brokenBackup('it does not say what is in it');
  const described = manifest.safeParse(JSON.parse((await intake.upTo(length)).toString('utf8')));
  if (!described.success) throw brokenBackup('it was made by another version of Torchpass');
  for (const { name, size } of described.data.files) await take(name, portion(intake, size));
  if (!(await intake.atEnd())) throw brokenBackup('there is something after its end');
  return described.data;
}

async function* portion(intake: Intake, size: number): AsyncGenerator<Buffer, void> {
  for (let left = size; left > 0;) {
    const piece = await intake.upTo(Math.min(left, PIECE));
    if (piece.length === 0) throw brokenBackup('a file in it is cut off');
    left -= piece.length;
    yield piece;
  }
}

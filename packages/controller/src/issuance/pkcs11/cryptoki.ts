import type { Secret } from '@torchpass/core';
import { CKA, CKF_OS_LOCKING_OK, CKM, CKR, CKU_USER, SESSION, type AttributeType } from './constants.ts';
import type { Attribute, Handle, Library } from './library.ts';

/** The few functions of PKCS #11 that are needed, with values for arguments. Each may throw Pkcs11Failure. */
export interface Cryptoki {
  initialize(): Promise<void>;
  finalize(): Promise<void>;
  tokens(): Promise<TokenInfo[]>;
  openSession(slot: Handle): Promise<Handle>;
  closeSession(session: Handle): Promise<void>;
  login(session: Handle, pin: Secret): Promise<void>;
  /** Handles of at most 16 objects of a class with this CKA_ID. */
  find(session: Handle, objectClass: number, id: Uint8Array): Promise<Handle[]>;
  /** At most 1024 bytes. */
  attribute(session: Handle, object: Handle, type: AttributeType): Promise<Buffer>;
  generateKeyPair(session: Handle, publicPart: Template, privatePart: Template): Promise<{ privateKey: Handle }>;
  /** r and s of ECDSA over a digest. */
  sign(session: Handle, key: Handle, digest: Uint8Array): Promise<Buffer>;
  destroy(session: Handle, object: Handle): Promise<void>;
}

export interface TokenInfo {
  slot: Handle;
  label: string;
  flags: number;
}

export type Template = readonly (readonly [AttributeType, Uint8Array | boolean | number])[];

const WORD = 8;
const MOST_SLOTS = 64;
const MOST_FOUND = 16;
const LONGEST_ATTRIBUTE = 1024;
/** CK_TOKEN_INFO: 32 bytes of label, 32 of manufacturer, 16 of model, 16 of serial number, then the flags; 160 bytes and more. */
const TOKEN_INFO = { size: 512, label: 32, flags: 96 };
const LONGEST_SIGNATURE = 256;

export function createCryptoki({ call, allocate }: Library): Cryptoki {
  return {
    async initialize() {
      // CK_C_INITIALIZE_ARGS: four functions that we do not give, flags, reserved.
      const args = Buffer.alloc(6 * WORD);
      args.writeBigUInt64LE(BigInt(CKF_OS_LOCKING_OK), 4 * WORD);
      await call('C_Initialize', [args], [CKR.OK, CKR.CRYPTOKI_ALREADY_INITIALIZED]);
    },

    finalize: () => call('C_Finalize', [null]),

    async tokens() {
      // Without a place for the list first: that is when modules look for what was plugged in.
      await call('C_GetSlotList', [1, null, [0]]);
      const count = [MOST_SLOTS];
      const list = Buffer.alloc(MOST_SLOTS * WORD);
      await call('C_GetSlotList', [1, list, count]);
      const slots = Array.from({ length: count[0] ?? 0 }, (_, index) => list.readBigUInt64LE(index * WORD));
      const infos: TokenInfo[] = [];
      for (const slot of slots) {
        const info = Buffer.alloc(TOKEN_INFO.size);
        await call('C_GetTokenInfo', [slot, info]);
        const label = info.toString('utf8', 0, TOKEN_INFO.label).replace(/[ \0]+$/, '');
        infos.push({ slot, label, flags: info.readUInt32LE(TOKEN_INFO.flags) });
      }
      return infos;
    },

    openSession: (slot) =>
      receive((out) => call('C_OpenSession', [slot, SESSION.SERIAL | SESSION.READ_WRITE, null, null, out])),
    closeSession: (session) => call('C_CloseSession', [session]),

    async login(session, pin) {
      const text = Buffer.from(pin.reveal(), 'utf8');
      try {
        await call('C_Login', [session, CKU_USER, text, text.length], [CKR.OK, CKR.USER_ALREADY_LOGGED_IN]);
      } finally {
        text.fill(0);
      }
    },

    async find(session, objectClass, id) {
      const template = encode([
        [CKA.CLASS, objectClass],
        [CKA.ID, id],
      ]);
      await call('C_FindObjectsInit', [session, template, template.length]);
      try {
        const handles = Buffer.alloc(MOST_FOUND * WORD);
        const count = await receive((out) => call('C_FindObjects', [session, handles, MOST_FOUND, out]));
        return Array.from({ length: Number(count) }, (_, index) => handles.readBigUInt64LE(index * WORD));
      } finally {
        await call('C_FindObjectsFinal', [session]);
      }
    },

    async attribute(session, object, type) {
      const memory = allocate(LONGEST_ATTRIBUTE);
      try {
        const template: Attribute[] = [{ type, value: memory.address, length: LONGEST_ATTRIBUTE }];
        await call('C_GetAttributeValue', [session, object, template, 1]);
        return Buffer.from(memory.bytes.subarray(0, template[0]?.length ?? 0));
      } finally {
        memory.release();
      }
    },

    async generateKeyPair(session, publicPart, privatePart) {
      const [forPublic, forPrivate] = [encode(publicPart), encode(privatePart)];
      const mechanism = mechanismOf(CKM.EC_KEY_PAIR_GEN);
      const privateKey = await receive((out) =>
        call('C_GenerateKeyPair', [
          session,
          mechanism,
          forPublic,
          forPublic.length,
          forPrivate,
          forPrivate.length,
          [0],
          out,
        ]),
      );
      return { privateKey };
    },

    async sign(session, key, digest) {
      await call('C_SignInit', [session, mechanismOf(CKM.ECDSA), key]);
      const signature = Buffer.alloc(LONGEST_SIGNATURE);
      const length = [LONGEST_SIGNATURE];
      await call('C_Sign', [session, digest, digest.length, signature, length]);
      return signature.subarray(0, length[0]);
    },

    async destroy(session, object) {
      await call('C_DestroyObject', [session, object]);
    },
  };
}

/** The value that a call writes into its last argument. */
async function receive(work: (out: Handle[]) => Promise<void>): Promise<Handle> {
  const out: Handle[] = [0];
  await work(out);
  return out[0] ?? 0;
}

/** CK_MECHANISM without a parameter. */
function mechanismOf(type: number): Buffer {
  const mechanism = Buffer.alloc(3 * WORD);
  mechanism.writeBigUInt64LE(BigInt(type));
  return mechanism;
}

function encode(template: Template): Attribute[] {
  return template.map(([type, given]) => {
    const value = bytesOf(given);
    return { type, value, length: value.length };
  });
}

function bytesOf(value: Uint8Array | boolean | number): Uint8Array {
  if (typeof value === 'boolean') return Buffer.from([Number(value)]);
  if (typeof value !== 'number') return value;
  const word = Buffer.alloc(WORD);
  word.writeBigUInt64LE(BigInt(value));
  return word;
}

import { reasonOf, TorchpassError } from '@torchpass/core';
import { CKR, FUNCTION_COUNT, FUNCTIONS } from './constants.ts';
import { Pkcs11Failure } from './failure.ts';

/** CK_ULONG: a number unless it is too large for one. */
export type Handle = number | bigint;

/** An element of a template; what it says is copied before the call begins. */
export interface Attribute {
  type: number;
  /** Memory of ours (for input), or an address from `allocate` (for output). */
  value: Uint8Array | bigint | null;
  length: number;
}

export interface Library {
  /** Calls a function of the module on a thread of its own. Throws Pkcs11Failure unless it returns one of `accepted`. */
  call(name: keyof typeof FUNCTIONS, args: readonly unknown[], accepted?: readonly number[]): Promise<void>;
  /** Memory for `length` bytes that a call may write to, and their bytes; until `release`. */
  allocate(length: number): { address: bigint; bytes: Buffer; release: () => void };
}

/** Arguments as koffi declares them. */
const ARGUMENTS: Record<keyof typeof FUNCTIONS, readonly string[]> = {
  C_Initialize: ['void *'],
  C_Finalize: ['void *'],
  C_GetSlotList: ['uint8_t', 'void *', 'inout ulong'],
  C_GetTokenInfo: ['ulong', 'void *'],
  C_OpenSession: ['ulong', 'ulong', 'void *', 'void *', 'out ulong'],
  C_CloseSession: ['ulong'],
  C_Login: ['ulong', 'ulong', 'void *', 'ulong'],
  C_DestroyObject: ['ulong', 'ulong'],
  C_GetAttributeValue: ['ulong', 'ulong', 'inout attribute', 'ulong'],
  C_FindObjectsInit: ['ulong', 'in attribute', 'ulong'],
  C_FindObjects: ['ulong', 'void *', 'ulong', 'out ulong'],
  C_FindObjectsFinal: ['ulong'],
  C_SignInit: ['ulong', 'void *', 'ulong'],
  C_Sign: ['ulong', 'void *', 'ulong', 'void *', 'inout ulong'],
  C_GenerateKeyPair: ['ulong', 'void *', 'in attribute', 'ulong', 'in attribute', 'ulong', 'out ulong', 'out ulong'],
};

/**
 * Loads a PKCS #11 module. Only installations that have one configured ever come here, and only they load the foreign
 * function interface. The module's own libraries come before ours (RTLD_DEEPBIND): Node.js brings an OpenSSL of its own, which
 * a module that was built for another must not meet. `PKCS11_UNAVAILABLE` with the reason when it cannot be loaded.
 */
export async function loadLibrary(path: string): Promise<Library> {
  try {
    return await bind(path);
  } catch (error) {
    throw new TorchpassError(
      'PKCS11_UNAVAILABLE',
      `The PKCS #11 module ${path} cannot be loaded: ${reasonOf(error)}.`,
      {
        cause: error,
        hint: 'Check authorities.pkcs11.module, and that this user may read it.',
      },
    );
  }
}

/** What was loaded stays: koffi unloads a library that nobody refers to, and its functions are called by address. */
const kept = new Set<unknown>();

async function bind(path: string): Promise<Library> {
  const { default: koffi } = await import('koffi');
  const attribute = koffi.struct({ type: 'ulong', value: 'void *', length: 'ulong' });
  const typeOf = (argument: string) => {
    const [direction, name = ''] = argument.split(' ');
    if (direction !== 'in' && direction !== 'out' && direction !== 'inout') return argument;
    const pointer = koffi.pointer(name === 'attribute' ? attribute : name);
    return direction === 'in' ? pointer : direction === 'out' ? koffi.out(pointer) : koffi.inout(pointer);
  };
  const module = koffi.load(path, { deep: true });
  kept.add(module);
  const getList = module.func('C_GetFunctionList', 'ulong', [koffi.out(koffi.pointer('void *'))]);
  const list: unknown[] = [null];
  const code = Number(getList(list));
  if (code !== CKR.OK) throw new Pkcs11Failure('C_GetFunctionList', code);
  // CK_VERSION fills two bytes; pointers are aligned behind it.
  const pointers: unknown[] = koffi.decode(list[0], koffi.sizeof('void *'), koffi.array('void *', FUNCTION_COUNT));
  const functionOf = (name: keyof typeof FUNCTIONS) =>
    koffi.decode(pointers[FUNCTIONS[name]], koffi.proto('ulong', ARGUMENTS[name].map(typeOf))) as AsyncFunction;
  const functions = new Map(Object.keys(FUNCTIONS).map((name) => [name, functionOf(name as keyof typeof FUNCTIONS)]));

  return {
    call: (name, args, accepted = [CKR.OK]) =>
      new Promise((resolve, reject) => {
        const done = (error: unknown, result: unknown) => {
          if (error !== null && error !== undefined) reject(error);
          else if (accepted.includes(Number(result))) resolve();
          else reject(new Pkcs11Failure(name, Number(result)));
        };
        functions.get(name)?.async(...args, done);
      }),
    allocate(length) {
      const address: bigint = koffi.alloc('uint8_t', length);
      return { address, bytes: Buffer.from(koffi.view(address, length)), release: () => koffi.free(address) };
    },
  };
}

interface AsyncFunction {
  async(...args: unknown[]): void;
}

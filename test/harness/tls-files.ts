import { readFile } from 'node:fs/promises';

/** A caller's side of a TLS connection, as PEM. */
export interface ClientTls {
  /** Whom to trust. */
  ca: string | Buffer;
  /** The own certificate and its key; none for a stranger. */
  cert?: string | Buffer;
  key?: string | Buffer;
}

/** An issuing authority may be the anchor, without its root: as Prometheus and every Go program has it. */
export const TRUST = { allowPartialTrustChain: true } as const;

/** Reads the files that `ca_file`, `cert_file`, and `key_file` would name. */
export async function readClientTls(ca: string, identity?: { cert: string; key: string }): Promise<ClientTls> {
  const trust = { ca: await readFile(ca) };
  return identity === undefined
    ? trust
    : { ...trust, cert: await readFile(identity.cert), key: await readFile(identity.key) };
}

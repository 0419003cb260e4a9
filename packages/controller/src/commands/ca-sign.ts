import { TorchpassError, type Files, type Secret } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { readAuthorityRequest, signAuthorityRequest } from '../rotation/authority-request.ts';
import { openRootFile } from '../rotation/root-file.ts';

interface SignFiles {
  rootKey: string;
  request: string;
  out: string;
}

/** The work of `ca sign`, on a machine that has no database: the same lint and profile as everywhere, for one request. */
export async function signRequest(files: Files, paths: SignFiles, passphrase: Secret): Promise<string[]> {
  const read = async (path: string) => {
    const content = await files.read(path);
    if (content !== undefined) return content.toString('utf8');
    throw new TorchpassError('FILE_UNREADABLE', `There is no file ${path}.`);
  };
  const request = readAuthorityRequest(await read(paths.request));
  const root = await openRootFile(await read(paths.rootKey), passphrase);
  const certificate = await signAuthorityRequest(request, root);
  await files.write(paths.out, { data: certificatesToPem([certificate]), mode: 0o644 });
  return [
    `Signed the ${request.role} authority ${request.serial} of ${request.trustDomain}, until ${request.notAfter} at the latest.`,
    `Its key: ${request.fingerprint} (the same as "ca request" has shown?)`,
    `The certificate is in ${paths.out}.`,
  ];
}

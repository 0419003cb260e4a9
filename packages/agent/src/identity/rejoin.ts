/** What to do when an identity has no way back. The host's name is taken until its old record is revoked. */
export function rejoinHint(hostName: string): string {
  return `Have the operator run "torchpass host revoke ${hostName}", then make a new join token; then run "torchpass-agent enroll" with it.`;
}

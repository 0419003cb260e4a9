/** What to do when an identity has no way back: the operator lets this machine take the host's place once more. */
export function rejoinHint(hostName: string): string {
  return `Have the operator make a join token with "torchpass token create --replace ${hostName}", or without --replace if the host was revoked; then run "torchpass-agent enroll" with it.`;
}

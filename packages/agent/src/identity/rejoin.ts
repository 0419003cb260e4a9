/** What to do when an identity has ended: for a while the controller still renews it. */
export function lapsedHint(hostName: string): string {
  return `Run "torchpass-agent sync": for some time after its end (30 days, unless the controller says otherwise) an identity is still renewed. If that is refused: ${rejoinHint(hostName)}`;
}

/** What to do when an identity has no way back: the operator lets this machine take the host's place once more. */
export function rejoinHint(hostName: string): string {
  return `Have the operator make a join token with "torchpass token create --replace ${hostName}", or without --replace if the host was revoked; then run "torchpass-agent enroll" with it.`;
}

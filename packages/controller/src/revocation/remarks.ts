import type { CertificateView } from '../api/types.ts';

/** What follows from a revocation, and what the operator still has to think of, as sentences. */
export function remarksOn(certificate: CertificateView, otherGood: readonly string[]): string[] {
  return [...own(certificate), ...others(certificate, otherGood)];
}

function own({ role, host, notAfter, newest }: CertificateView): string[] {
  if (role === 'controller') return ['The controller makes itself a new key and a new certificate within seconds.'];
  if (host === null) return ["Prometheus's own interface gets a new key and a new certificate within seconds."];
  if (role === 'agent') {
    return [
      `Calls with this identity are refused, and its connections are closed.`,
      ...(newest
        ? [
            `It was the newest of the host: "${host}" can renew nothing until it joins again. Run "torchpass token create --replace ${host}" here, then "torchpass-agent enroll" there.`,
          ]
        : []),
    ];
  }
  return [
    ...(newest
      ? [
          'The target is gone from Prometheus until the agent has a new certificate, which it gets at its next check-in.',
        ]
      : []),
    `Prometheus reads no revocation list: who has the key can answer at that address until ${notAfter}, should it be a target again.`,
  ];
}

function others({ host }: CertificateView, serials: readonly string[]): string[] {
  if (serials.length === 0) return [];
  const what =
    host === null ? 'Others for the same purpose are' : 'Other certificates of the host for the same purpose are';
  return [`${what} still good: ${serials.join(', ')}. If their keys are lost too, revoke them as well.`];
}

import { command } from '../command.ts';
import { requiredArgument } from '../option.ts';

export const tokenRevoke = command({
  name: 'token revoke',
  summary: 'let a join token be used no more',
  details: 'Hosts that joined with it stay; see "torchpass host revoke" for those.',
  examples: [{ line: 'torchpass token revoke m5xw6zdpnrsw2ylt', shows: 'the identifier is in "torchpass token list"' }],
  arguments: { id: requiredArgument('ID', 'identifier of the token; of a whole token, that part is taken') },
  options: {},
  run: async ({ api }, { id }) => api.revokeToken(await identifier(id)),
  print: (token, page) =>
    page.line(`Token ${page.colors.bold(token.id)} is revoked. Hosts that joined with it stay (${token.uses} so far).`),
});

/** Who has only the token itself, because it leaked, can revoke it as well. Nothing but the identifier is sent. */
async function identifier(text: string): Promise<string> {
  if (!text.includes('.')) return text;
  const { decodeJoinToken } = await import('@torchpass/protocol');
  return decodeJoinToken(text).id;
}

export interface Environment {
  /** The controller's socket. */
  socket: string;
  /** Who runs this, for the controller's audit log; empty when nobody says. */
  operator: string;
  /** Whether the user wishes no colours (https://no-color.org), or the terminal has none. */
  plain: boolean;
}

/** Where a controller with the default storage listens. */
const DEFAULT_SOCKET = '/var/lib/torchpass/controller.sock';

/** The only reader of the environment. An empty variable counts as one that is not set. */
export function readEnvironment(variables: Record<string, string | undefined>): Environment {
  return {
    socket: variables['TORCHPASS_SOCKET'] || DEFAULT_SOCKET,
    operator: operatorOf(variables),
    plain: Boolean(variables['NO_COLOR']) || variables['TERM'] === 'dumb',
  };
}

/** With sudo the person behind it: `alice` rather than `root`. */
function operatorOf(variables: Record<string, string | undefined>): string {
  const name = variables['SUDO_USER'] || variables['USER'] || variables['LOGNAME'] || '';
  return /^[\x21-\x7e]{1,64}$/.test(name) ? name : '';
}

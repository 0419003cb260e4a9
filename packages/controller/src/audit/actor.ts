/** Who did something, and from where. */
export interface Actor {
  /** `stranger`: proved nothing. `controller`: this program, by itself. */
  kind: 'operator' | 'host' | 'stranger' | 'controller';
  /**
   * Of a host, its name; of an operator, the user name that the command line gives. What the socket's permissions prove is
   * only that an operator it was. Empty for others.
   */
  name: string;
  /** The address that a host or a stranger connects from; `socket` for operators, `machine` for those who run the controller's own commands; empty for the controller itself. */
  from: string;
}

export const CONTROLLER_ITSELF: Actor = { kind: 'controller', name: '', from: '' };

/** An operator on the administration socket. */
export const operator = (name: string): Actor => ({ kind: 'operator', name, from: 'socket' });

/** An operator who runs a command of the controller itself, on its machine. */
export const operatorHere = (name: string): Actor => ({ kind: 'operator', name, from: 'machine' });

export const host = (name: string, address: string): Actor => ({ kind: 'host', name, from: address });

export const stranger = (address: string): Actor => ({ kind: 'stranger', name: '', from: address });

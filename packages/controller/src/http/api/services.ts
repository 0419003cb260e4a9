import type {
  ControllerStatus,
  CreatedToken,
  CreateTokenRequest,
  HostView,
  PrometheusFindings,
  PrometheusSetup,
  Publication,
  RevokedHost,
  TargetCheck,
  TargetView,
  TokenView,
} from './types.ts';

/** What the administration API needs of the features; `context.ts` puts it together. */
export interface Services {
  tokens: {
    create(request: CreateTokenRequest): Promise<CreatedToken>;
    list(): Promise<TokenView[]>;
    revoke(id: string): Promise<TokenView>;
  };
  hosts: {
    list(): Promise<HostView[]>;
    show(name: string): Promise<HostView>;
    revoke(name: string, reason: string): Promise<RevokedHost>;
  };
  targets: {
    list(): Promise<TargetView[]>;
    /** Knocks at each target in every wrong way and the right one, from here. */
    check(filter: { host?: string | undefined }): Promise<TargetCheck[]>;
    publish(options: { allowEmpty: boolean }): Promise<Publication>;
  };
  prometheus: {
    setup(): Promise<PrometheusSetup>;
    check(file: { path: string; text: string }): Promise<PrometheusFindings>;
  };
  status(): Promise<ControllerStatus>;
  /** Whether requests can be served: the database answers and the authorities are open. Undefined when they can; else why not. */
  unready(): Promise<string | undefined>;
}

import { type HostPort, TorchpassError } from '@torchpass/core';
import { type Connect, connectController, type Controller } from '../controller/client.ts';

type Call = keyof Omit<Controller, 'shown' | 'close'>;

/** Calls `before` and `after` around each call that reaches the controller. */
export function watched(before: (call: Call) => void, after: (call: Call) => void): Connect {
  return (options) => {
    const real = connectController(options);
    const around = <Request, Response>(name: Call, call: (request: Request) => Promise<Response>) => {
      return async (request: Request): Promise<Response> => {
        before(name);
        const response = await call(request);
        after(name);
        return response;
      };
    };
    return {
      enroll: around('enroll', real.enroll),
      checkIn: around('checkIn', real.checkIn),
      issueCertificate: around('issueCertificate', real.issueCertificate),
      leave: () => around('leave', real.leave)(undefined),
      close: real.close,
      get shown() {
        return real.shown;
      },
    };
  };
}

/** The controller does what it is asked, and its answer to the first such call is lost on the way back. */
export function losingAnswer(to: Call): Connect {
  let lost = false;
  return watched(
    () => undefined,
    (call) => {
      if (call !== to || lost) return;
      lost = true;
      throw new TorchpassError('CONTROLLER_UNREACHABLE', 'The answer was lost.');
    },
  );
}

/** Somebody in between leads every gRPC connection elsewhere. */
export function divertedTo(address: HostPort): Connect {
  return (options) => connectController({ ...options, address });
}

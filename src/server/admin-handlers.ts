/** The RPCs for those who run a server. */

import { basename } from 'node:path';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { adminService } from '../contract/proto-definition';
import { exactName } from '../hypernet/exact-name';
import { requireAdministrator, type AdminAccess } from './security/administrator';
import { framed, FramedMessage } from './answers/framing';
import { modelMessage } from './answers/messages';
import type { LiveModels } from './models/live-models';
import type { CallRunner } from './running-calls';
import { parse } from './service-definition';

const { LoadModel, UnloadModel, ReloadModels } = adminService;

/** The handlers of `logah.v1.AdminService`. */
export function createAdminHandlers(
  models: LiveModels,
  access: AdminAccess,
  calls: CallRunner,
): UntypedServiceImplementation {
  return {
    LoadModel: calls.unary('LoadModel', async ({ request }, { account }) => {
      requireAdministrator(account.caller, access);
      const bundle = await models.load(parse.loadModel(request).model);
      return message(LoadModel.responseSerialize({ model: modelMessage(bundle) }));
    }),
    UnloadModel: calls.unary('UnloadModel', async ({ request }, { account }) => {
      requireAdministrator(account.caller, access);
      await models.unload(parse.unloadModel(request).model);
      return message(UnloadModel.responseSerialize({}));
    }),
    ReloadModels: calls.unary('ReloadModels', async ({ request }, { account }) => {
      requireAdministrator(account.caller, access);
      parse.reloadModels(request);
      const changed = await models.reload();
      const answer = {
        changed,
        models: [...models.current.choice.bundles.values()].map(modelMessage),
        broken: models.broken.map(({ path, error, served }) => ({
          directory: basename(path),
          reason: error.message,
          serving: served === undefined ? '' : exactName(served),
        })),
      };
      return message(ReloadModels.responseSerialize(answer));
    }),
  };
}

function message(serialized: Buffer): FramedMessage {
  return new FramedMessage(framed(serialized));
}

/** The gRPC server. */

export { startServer, type RunningServer } from './server';

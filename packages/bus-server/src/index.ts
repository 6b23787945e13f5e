export { type Certificate, certificateOfServer, certificateOfUser, newAuthority } from './certificates.ts';
export {
  addCaller,
  callerUser,
  type BusFolder,
  callersOf,
  openBusFolder,
  type OpenOptions,
  prepareBusFolder,
  reloadServer,
  removeCaller,
  seedFileOf,
} from './folder.ts';
export { hostsInCluster, kubernetesSecrets, type Namespaces, defaultNamespaces } from './kubernetes.ts';
export { serverConf, type ServerConfOptions, shippedFiles, usersConf, type ServerUser } from './server-conf.ts';

/** Which addresses only this machine reaches. */

/** Whether a host, a name or an address without brackets, is this machine's own and no other's. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return (
    /^(?:.*\.)?localhost\.?$/.test(name) ||
    /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(name) ||
    ['::1', '0:0:0:0:0:0:0:1'].includes(name)
  );
}

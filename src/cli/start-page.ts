import { startExplorer, type Explorer, type ExplorerOptions } from '../explorer';
import { packagePath, packageVersion } from './package-paths';

/** Starts the explorer with the page and the examples of this package. Throws like `startExplorer`. */
export function startPage(
  options: Pick<ExplorerOptions, 'address' | 'target' | 'opened' | 'tls'>,
): Promise<Explorer> {
  return startExplorer({
    ...options,
    pageDirectory: packagePath('dist', 'explorer', 'page'),
    examplesDirectory: packagePath('examples'),
    version: packageVersion(),
  });
}

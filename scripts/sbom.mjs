// Reads the CycloneDX document of `npm sbom` and writes it so that equal inputs give equal bytes: without the random serial
// number, with the time of SOURCE_DATE_EPOCH or none, and under the package's name in place of the directory's.
import { text } from 'node:stream/consumers';

const document = JSON.parse(await text(process.stdin));
delete document.serialNumber;
delete document.metadata.timestamp;
document.metadata.component.name = document.metadata.component['bom-ref'].replace(/@[^@]*$/, '');
const epoch = process.env.SOURCE_DATE_EPOCH;
if (epoch !== undefined) document.metadata.timestamp = new Date(Number(epoch) * 1000).toISOString();
process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);

/** How far a segment is written: it is full of zeros before, so the end of what it holds is found by halving. */
import type { Disk } from './disk.ts';

const PAGE_BYTES = 4_096;
const ZEROS = Buffer.alloc(PAGE_BYTES);

/** To the page. A page of zeros in the midst can make it too small: this is for people, not for a recovery. */
export function writtenBytes(disk: Disk, path: string): number {
  const file = disk.open(path, 'read');
  try {
    const page = Buffer.alloc(PAGE_BYTES);
    const isWritten = (at: number) => {
      const bytes = file.read(page, at * PAGE_BYTES);
      return !page.subarray(0, bytes).equals(ZEROS.subarray(0, bytes));
    };
    let low = 0;
    let high = Math.ceil(file.bytes / PAGE_BYTES);
    if (high > 0 && isWritten(high - 1)) return file.bytes;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isWritten(middle)) low = middle + 1;
      else high = middle;
    }
    return low * PAGE_BYTES;
  } finally {
    file.close();
  }
}

// Loaded first in every thread of a step that runs from its source: `--import tsx` registers nothing in worker
// threads on Node 20.
import { register } from 'tsx/esm/api';

register();

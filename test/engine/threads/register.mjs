// Loaded first in every thread of the tests: see start.ts.
import { register } from 'tsx/esm/api';

register();

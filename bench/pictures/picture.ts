/** What a picture of the documents is: a run that finds its data, what must be true of them, and the chart of them. */
import type { LineChart } from './draw.ts';

/** What every data file carries, beside its figures. */
export interface PictureData {
  schema: 1;
  /** Its name. */
  picture: string;
  startedAt: string;
  /** What runs and draws it anew. */
  command: string;
}

export interface Picture<Data extends PictureData> {
  name: string;
  /** One line for the list of pictures. */
  about: string;
  run(say: (line: string) => void): Promise<Data>;
  /** Throws what is wrong if the data do not show what the picture is there to show. */
  check(data: Data): void;
  chart(data: Data): LineChart;
}

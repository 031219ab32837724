/** What the page and the thread that lays out say to each other. */

/** What is to be laid out. Sizes in pixels. */
export interface LayoutTask {
  readonly id: number;
  readonly boxes: readonly {
    readonly id: string;
    readonly width: number;
    readonly height: number;
    readonly parent: string;
  }[];
  readonly frames: readonly { readonly id: string; readonly parent: string }[];
  readonly links: readonly { readonly from: string; readonly to: string }[];
}

/** A rectangle by its upper left corner. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything lies; links in the task's order. */
export interface Layout {
  readonly id: number;
  readonly boxes: Readonly<Record<string, Rectangle>>;
  readonly frames: Readonly<Record<string, Rectangle>>;
  readonly links: readonly (readonly Point[])[];
  readonly width: number;
  readonly height: number;
}

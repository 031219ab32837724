/** The most noise that a request may ask for, in standard deviations of a block; nothing of it is left long before. */
export const MAX_LIFT = 10;

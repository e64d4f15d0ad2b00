// Colours as the hosted pages take and show them: crates/login/src/theme.rs in the words of this side. What a tenant picks is
// made darker or lighter only as far as text on it and in it has to be legible.

/** Red, green and blue, 0 to 255. */
type Colour = readonly [number, number, number];

const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];
const INK: Colour = [0x10, 0x13, 0x1a];
const LIGHT_SURFACE: Colour = [0xf4, 0xf5, 0xf8];
const DARK_SURFACE: Colour = [0x1b, 0x1e, 0x27];

/** Of text on what it stands on, by WCAG 2.2. */
const LEGIBLE = 4.5;

/** What shows of a colour in one theme: the fill of buttons, the text in them, and text in the colour itself. */
export interface Shown {
  fill: string;
  onFill: string;
  text: string;
}

/** The colours of the pages where a tenant has none of its own, or one that is not understood. */
export const OURS: { light: Shown; dark: Shown } = {
  light: { fill: '#3550c8', onFill: '#ffffff', text: '#3550c8' },
  dark: { fill: '#5069dd', onFill: '#ffffff', text: '#a9b8ff' },
};

/** `#rgb` or `#rrggbb`, and nothing else. */
export function isColour(text: string): boolean {
  return /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text.trim());
}

/** What the pages make of a colour. */
export function shownOf(text: string): { light: Shown; dark: Shown } {
  if (!isColour(text)) return OURS;
  const colour = parsed(text);
  const light = fitForWhite(colour);
  const dark = fitForWhite(until(colour, DARK_SURFACE, WHITE, 3));
  return {
    light: { fill: written(light), onFill: textOn(light), text: written(until(colour, LIGHT_SURFACE, INK, LEGIBLE)) },
    dark: { fill: written(dark), onFill: textOn(dark), text: written(until(colour, DARK_SURFACE, WHITE, LEGIBLE)) },
  };
}

/** The contrast of two colours, 1 to 21. */
export function contrast(a: string, b: string): number {
  return between(parsed(a), parsed(b));
}

function parsed(text: string): Colour {
  const digits = text.trim().slice(1);
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  const part = (at: number) => parseInt(long.slice(at, at + 2), 16);
  return [part(0), part(2), part(4)];
}

function written(colour: Colour): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** `step` twentieths of the way to another colour. */
function mixed(from: Colour, to: Colour, step: number): Colour {
  const mix = (one: number, other: number) => Math.floor((one * (20 - step) + other * step) / 20);
  return [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])];
}

/** The colour, mixed with `towards` only as far as the contrast asks. */
function until(colour: Colour, surface: Colour, towards: Colour, least: number): Colour {
  for (let step = 0; step <= 20; step += 1) {
    const candidate = mixed(colour, towards, step);
    if (between(candidate, surface) >= least) return candidate;
  }
  return towards;
}

/** A colour that barely fails to carry white text, made as dark as that takes. Others stay. */
function fitForWhite(colour: Colour): Colour {
  const steps = [0, 1, 2, 3].map((step) => mixed(colour, INK, step));
  return steps.find((candidate) => between(WHITE, candidate) >= LEGIBLE) ?? colour;
}

function textOn(fill: Colour): string {
  return written(between(WHITE, fill) >= LEGIBLE ? WHITE : BLACK);
}

function between(a: Colour, b: Colour): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, other) => one - other) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Colour): number {
  const channel = (value: number) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(colour[0]) + 0.7152 * channel(colour[1]) + 0.0722 * channel(colour[2]);
}

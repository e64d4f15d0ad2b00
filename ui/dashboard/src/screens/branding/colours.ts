// Colours as the hosted pages take them: `#rgb` or `#rrggbb`, and nothing else.

export function isColour(text: string): boolean {
  return /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text.trim());
}

/** The contrast of two colours, by WCAG 2.2. */
export function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, other) => one - other) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Whether white text is legible on it. */
export function fitForWhite(colour: string): boolean {
  return contrast(colour, '#ffffff') >= 4.5;
}

function luminance(colour: string): number {
  const digits = colour.trim().slice(1);
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  const channel = (at: number) => {
    const share = parseInt(long.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4);
}

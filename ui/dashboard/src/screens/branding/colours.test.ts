import { describe, expect, it } from 'vitest';

import { contrast, isColour, OURS, shownOf } from './colours.ts';

describe('colours of a brand', () => {
  it('takes what the server takes', () => {
    expect(['#635dff', '#ABC', ' #abc ', 'red', '#abcd', '#ggg', ''].filter(isColour)).toEqual(['#635dff', '#ABC', ' #abc ']);
  });

  it('measures contrast as WCAG does', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
    expect(contrast('#fff', '#ffffff')).toBeCloseTo(1);
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 1);
  });

  it('shows a colour as it is where text on it is legible', () => {
    expect(shownOf('#a01050').light).toEqual({ fill: '#a01050', onFill: '#ffffff', text: '#a01050' });
  });

  it('writes black on what is too bright for white', () => {
    const { light } = shownOf('#ffee00');
    expect(light.fill).toBe('#ffee00');
    expect(light.onFill).toBe('#000000');
    expect(contrast(light.text, '#f4f5f8')).toBeGreaterThanOrEqual(4.5);
  });

  it('keeps every colour legible in both themes', () => {
    for (let red = 0; red <= 255; red += 51) {
      for (let green = 0; green <= 255; green += 51) {
        for (let blue = 0; blue <= 255; blue += 51) {
          const colour = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
          const { light, dark } = shownOf(colour);
          for (const shown of [light, dark]) expect(contrast(shown.fill, shown.onFill), colour).toBeGreaterThanOrEqual(4.5);
          expect(contrast(dark.text, '#1b1e27'), colour).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it('keeps ours for what it does not understand', () => {
    expect(shownOf('blue')).toBe(OURS);
  });
});

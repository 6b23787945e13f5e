import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

const colours = ['#3b82c4', '#d0743c', '#4f9d69', '#9c6bb5', '#b7a13a', '#c0558a', '#4aa5b0', '#8a8f98'];

/** Lines over time. `times`: UTC milliseconds, ascending. The same numbers stand in a table below it. */
export function Chart({
  title,
  times,
  series,
  show,
}: {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly show: (value: number) => string;
}) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (!box || times.length === 0) return undefined;
    const ink = getComputedStyle(box).color;
    const axis = { stroke: ink, grid: { stroke: 'rgba(128,128,128,.25)' } };
    const width = (): number => Math.max(280, box.clientWidth);
    const plot = new uPlot(
      {
        width: width(),
        height: 240,
        axes: [axis, { ...axis, size: 90, values: (_plot, ticks) => ticks.map(show) }],
        series: [
          {},
          ...series.map(({ name }, index) => ({
            label: name,
            stroke: colours[index % colours.length] as string,
            width: 2,
            points: { show: times.length < 60 },
            value: (_plot: uPlot, value: number | null) => (value === null ? '' : show(value)),
          })),
        ],
      },
      [times.map((ms) => ms / 1_000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData,
      box,
    );
    const resizing = new ResizeObserver(() => plot.setSize({ width: width(), height: 240 }));
    resizing.observe(box);
    return () => {
      resizing.disconnect();
      plot.destroy();
    };
  }, [times, series]);
  return <div ref={place} role="img" aria-label={title} />;
}

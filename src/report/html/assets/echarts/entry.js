// The parts of Apache ECharts that report.html draws with. Everything else of the library stays out of the file.
import { getInstanceByDom, init, use } from 'echarts/core';
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  AxisPointerComponent, DataZoomSliderComponent, GridComponent, MarkLineComponent, TooltipComponent,
} from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

use([
  CustomChart, LineChart, ScatterChart, AxisPointerComponent, DataZoomSliderComponent, GridComponent,
  MarkLineComponent, TooltipComponent, SVGRenderer,
]);
export { getInstanceByDom, init };
